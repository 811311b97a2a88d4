"""Everything that is shared and changes. Every lock of the product is in this package."""
