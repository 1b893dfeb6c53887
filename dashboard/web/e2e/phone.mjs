// A phone: MQTT with its own credentials, OwnTracks JSON, QoS 1.

import mqtt from "mqtt";

export class Phone {
  /** url is mqtt://host:port, or ws://host:port/mqtt. */
  static async connect(url, credentials) {
    const { username, password, clientId } = credentials;
    const phone = new Phone();
    phone.topic = `fc/${credentials.company}/${credentials.employee}`;
    phone.client = await mqtt.connectAsync(url, { username, password, clientId, clean: false, reconnectPeriod: 200 });
    phone.client.on("error", () => {}); // it connects again by itself
    return phone;
  }

  /** Publishes a fix; the promise is kept when it has been acknowledged. */
  send(lat, lon, more = {}) {
    const fix = { _type: "location", lat, lon, tst: Date.now() / 1000, acc: 7, batt: 64, bs: 1, vel: 18, cog: 90, conn: "m", t: "t", ...more };
    return this.client.publishAsync(this.topic, JSON.stringify(fix), { qos: 1 });
  }

  end() {
    return this.client.endAsync(true);
  }
}
