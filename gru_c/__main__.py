"""``python -m gru_c`` is the command ``gru-c``."""

from gru_c.cli import main

raise SystemExit(main())
