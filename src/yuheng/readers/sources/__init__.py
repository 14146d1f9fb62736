"""Where input comes from: files, folders and standard input, down to one JSON text for each object."""
