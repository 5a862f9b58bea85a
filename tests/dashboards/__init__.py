"""Every panel of every dashboard, asked of real servers that have seen the real service."""
