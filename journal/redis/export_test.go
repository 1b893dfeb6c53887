package redis

// LookAtSettings does at once what is done every ten seconds.
func LookAtSettings(j *Journal) { j.lookAtSettings() }
