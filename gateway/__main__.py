"""`python -m gateway` is `ensemble`."""

from gateway.cli.main import main

main()
