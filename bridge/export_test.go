package bridge

// LimitRecent makes the bridge keep less in memory, so that it reads the
// journal twice even in a small test. To be called before Start.
func LimitRecent(b *Bridge, bytes int) { b.recentBytes = bytes }
