"""The dashboard of the admin listener: pages that only show, and a stream that keeps them true."""
