"""Images inside tar and zip files."""
