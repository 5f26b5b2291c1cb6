"""Black-box checks of a running stack that need nothing of it but its Pulumi outputs."""
