"""Networks: layers in a row that compute, their weights and their states."""
