"""What commands to jobs mean: the words, and the job."""
