"""How the published data sets lie on disk: each module reads one of them by names and annotation files alone."""
