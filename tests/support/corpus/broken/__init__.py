"""Cases that are cut off, lie about themselves, or are made to cost."""
