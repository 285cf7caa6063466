"""Reading of files as people have them: text, separators, headers, numbers and times.

`source` gives the text or the cells of a file; `dialect` divides it into fields; `layout` names the
columns; `numbers` and `times` decide on one form for a whole column and read it.
"""
