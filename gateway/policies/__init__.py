"""What guards every request and every attempt: one concern a file, composed in `gateway.app`."""
