"""The groups that near duplicates form."""
