"""Work that can be seen and steered: what runs carry of their job, and what commands do with it."""
