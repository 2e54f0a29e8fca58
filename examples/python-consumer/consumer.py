"""A consumer of a Sluice subscription in Python, with the standard library only.

    python3 consumer.py http://127.0.0.1:8080 SUBSCRIPTION [--idle-seconds N]

Pulls, works, settles: done (ack), failed and to be tried again (nack), never to be done (reject). Delivery is at least once, so a
reading whose id was seen is acknowledged and not counted again. Ends when nothing came for the idle time. SLUICE_TOKEN is sent if
it is set.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

CALL_SECONDS = 35
WAIT_MS = 500


class Refused(Exception):
    """The gateway said no: its problem document, with the stable code."""

    def __init__(self, problem):
        super().__init__(f"{problem.get('code', 'unknown')}: {problem.get('detail', '')}")
        self.problem = problem


class Subscription:
    def __init__(self, url, name):
        self.base = f"{url.rstrip('/')}/v1/subscriptions/{urllib.parse.quote(name, safe='')}"

    def pull(self, max_messages=100, wait_ms=WAIT_MS):
        return self._post("pull", {"maxMessages": max_messages, "waitMs": wait_ms})["deliveries"]

    def settle(self, how, tokens, **options):
        """`how` is ack, nack, release or reject. Returns those whose lease had ended: they come again."""
        if not tokens:
            return []
        results = self._post(how, {"tokens": tokens, **options})["results"]
        return [result["token"] for result in results if result["status"] != "ok"]

    def lag(self):
        return self._call(urllib.request.Request(f"{self.base}/lag", headers=headers()))["total"]

    def _post(self, path, body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/{path}", data=data, headers=headers(), method="POST")
        return self._call(request)

    def _call(self, request):
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)) from error


def headers():
    token = os.environ.get("SLUICE_TOKEN")
    authorization = {"authorization": f"Bearer {token}"} if token else {}
    return {"content-type": "application/json", **authorization}


def main():
    options = arguments()
    subscription = Subscription(options.url, options.subscription)
    seen, by_sensor, tried_again = set(), {}, 0
    idle_seconds = 0.0
    while idle_seconds < options.idle_seconds:
        deliveries = subscription.pull()
        idle_seconds = 0.0 if deliveries else idle_seconds + WAIT_MS / 1000
        done, failed, wrong = [], [], []
        for delivery in deliveries:
            message, token = delivery["message"], delivery["ackToken"]
            reading = message.get("value")
            if not isinstance(reading, dict) or not isinstance(reading.get("celsius"), (int, float)):
                wrong.append(token)
            elif reading.get("isLate") and delivery["attempt"] == 1:
                failed.append(token)
            else:
                tried_again += delivery["attempt"] > 1
                if message["id"] not in seen:
                    seen.add(message["id"])
                    by_sensor.setdefault(message["key"], []).append(reading["celsius"])
                done.append(token)
        subscription.settle("ack", done)
        subscription.settle("nack", failed, delayMs=50, reason="its calibration is not there yet")
        subscription.settle("reject", wrong, reason="no temperature")
        if wrong:
            print(f"{len(wrong)} rejected: no temperature")
    for sensor, values in sorted(by_sensor.items()):
        print(f"{sensor}: {len(values)} readings, mean {sum(values) / len(values):.1f} C")
    print(f"{len(seen)} readings, {tried_again} at the second attempt, {subscription.lag()} left")


def arguments():
    parser = argparse.ArgumentParser(description="Consumes temperature readings from a subscription of a Sluice gateway.")
    parser.add_argument("url", help="such as http://127.0.0.1:8080")
    parser.add_argument("subscription")
    parser.add_argument("--idle-seconds", type=float, default=1.0, help="ends when nothing came for so long (1)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except Refused as problem:
        sys.exit(f"refused: {problem}")
    except urllib.error.URLError as error:
        sys.exit(f"no gateway there: {error.reason}")
