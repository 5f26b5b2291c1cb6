"""Prints the page of the documentation that states the outage contract."""

import sys

from chaos.contract.page import page
from chaos.contract.table import load

sys.stdout.write(page(load()))
