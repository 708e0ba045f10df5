"""Programs that make the data files of llimba; nobody who uses llimba runs them."""
