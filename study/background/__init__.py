"""What commands and background workers do, and the web never does: only here other packages and pandas are loaded."""
