"""One file for each method of HTTP and WebDAV."""
