// A reader and a phone by MQTT.js, against a running server. The test tells by
// the environment whom to be, and reads what it prints: "RAW body" for each
// message of the phone that the reader gets, "LAST lat", "STATE state",
// "LIVE seq", and "STEP name" when a part is done. One line on its standard
// input lets it go on.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const { MODULES, URL, VERSION, BEFORE, AFTER, USER, PASSWORD, CLIENT_ID, TOKEN } = process.env
const mqtt = createRequire(MODULES)('mqtt')
const protocolVersion = Number(VERSION)
const before = JSON.parse(BEFORE)
const after = JSON.parse(AFTER)
const base = 'fc/acme/e1'

const say = (...words) => process.stdout.write(words.join(' ') + '\n')
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
process.on('unhandledRejection', (error) => {
  say('FAILED', error.stack)
  process.exit(1)
})

function connect(name, options) {
  const client = mqtt.connect(URL, { protocolVersion, reconnectPeriod: 100, connectTimeout: 5000, keepalive: 30, ...options })
  client.on('connect', (packet) => say('CONNECTED', name, packet.sessionPresent))
  client.on('error', (error) => say('ERROR', name, error.message))
  return client
}

// Receive Maximum 3: no more than three messages without an acknowledgement.
const reader = connect('reader', {
  clientId: 'reader', username: 'x', password: TOKEN, clean: true,
  properties: protocolVersion === 5 ? { receiveMaximum: 3 } : undefined,
})
reader.on('message', (topic, body, packet) => {
  if (topic === base) say('RAW', packet.qos, packet.retain, body)
  if (topic === base + '/last') say('LAST', JSON.parse(body).lat)
  if (topic === base + '/presence') say('STATE', JSON.parse(body).state)
  if (topic === 'fc/acme/_live') say('LIVE', JSON.parse(body).seq)
})
await new Promise((done) => reader.once('connect', done))
const granted = await reader.subscribeAsync([base, base + '/last', base + '/presence', 'fc/acme/_live', 'fc/acme/e1/cmd'], { qos: 1 }).catch((e) => say('REFUSED', e.message))
if (granted) say('GRANTED', granted.map((g) => g.qos).join(','))

const phone = connect('phone', {
  clientId: CLIENT_ID, username: USER, password: PASSWORD, clean: false,
  autoAssignTopicAlias: protocolVersion === 5,
  properties: protocolVersion === 5 ? { sessionExpiryInterval: 3600, topicAliasMaximum: 10 } : undefined,
})
await new Promise((done) => phone.once('connect', done))
const [cmd] = await phone.subscribeAsync(base + '/cmd', { qos: 1 })
say('CMD', cmd.qos)
let aliased = 0
phone.on('packetsend', (packet) => {
  if (packet.cmd === 'publish' && packet.topic === '' && packet.properties?.topicAlias) aliased++
})

for (const [i, body] of before.entries()) await phone.publishAsync(base, body, { qos: i % 3, retain: true })
say('ALIASED', aliased)
say('STEP published')

await input.next() // the server is gone
const acked = after.map((body) => phone.publishAsync(base, body, { qos: 1 }))
say('STEP queued')
await Promise.all(acked)
say('STEP acknowledged')

await input.next() // the reader has got all
await Promise.all([reader.endAsync(), phone.endAsync()])
say('STEP ended')
process.exit(0)
