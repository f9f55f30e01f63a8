"""The social registry interface of the Digital Convergence Initiative (SPDCI 社会登记接口)."""
