"""The retrievers that the stack is compared with. Their scripts run in a virtual environment of their own."""
