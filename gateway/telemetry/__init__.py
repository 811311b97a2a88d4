"""What a running gateway tells its operators."""
