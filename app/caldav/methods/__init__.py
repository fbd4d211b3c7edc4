"""The methods of HTTP and WebDAV, each answered from values alone."""
