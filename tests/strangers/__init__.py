"""Files, folders and clients that mean no good, or are not what they seem."""
