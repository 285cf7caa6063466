from gru_c.functional import gru_forward, gru_backward, gru_step
