package simulate

// What the tests of this package look at beyond its API.
var (
	NewQueue  = newQueue
	Jittered  = jittered
	Schedule  = schedule
	Retime    = retime
	MaxQueue  = maxQueue
	QueueAdd  = (*queue).add
	QueueTake = (*queue).take
	QueueAck  = (*queue).acked
	QueueWait = (*queue).waiting
	QueueDone = (*queue).done
	QueueEnd  = (*queue).close
)
