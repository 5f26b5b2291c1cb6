"""What pages and reports share: their style, how charts are drawn into them, and how text and numbers are shown."""
