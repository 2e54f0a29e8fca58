import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * Puts a planned load on a client and writes down what happened: which message was handed over when, answered when and how, received
 * when and by which subscription. It judges nothing: rates, latencies and losses are counted by whoever reads the log, with the code
 * that counts them for every other client.
 *
 * <p>The sender is the one of load-run.ts in another language: open loop with intended times (late messages go at once, none is
 * skipped), or as many unanswered as the window allows.
 */
final class Load {
  private static final int PROBES = 64;
  private static final long PROBE_DEADLINE_MS = 20_000;
  private static final long DRAIN_QUIET_MS = 3_000;
  private static final long DRAIN_DEADLINE_MS = 30_000;
  private static final long AFTER_LAST_MS = 100;
  private static final byte RECEIVED = 0;
  private static final byte STRANGE = 1;

  /** What is asked for; sizes are those of the workload. */
  static final class Job {
    String topic;
    String[] subscriptions;
    int consumersEach;
    int credit;
    int ackBatch;
    int window;
    int backlogMax;
    double warmupMs;
    /** 0: until the plan is over. */
    double measuredMs;
    boolean isClosedWindow;
    int run;
    double[] sendAtMs;
    int[] keyIndex;
    int[] keyNumber;
    int[] bytes;
    String[] keys;

    static Job read(DataInputStream in) throws IOException {
      Job job = new Job();
      job.topic = in.readUTF();
      job.subscriptions = strings(in);
      job.consumersEach = in.readInt();
      job.credit = in.readInt();
      job.ackBatch = in.readInt();
      job.window = in.readInt();
      job.backlogMax = in.readInt();
      job.warmupMs = in.readDouble();
      job.measuredMs = in.readDouble();
      job.isClosedWindow = in.readBoolean();
      job.run = in.readInt();
      job.keys = strings(in);
      int count = in.readInt();
      job.sendAtMs = new double[count];
      for (int i = 0; i < count; i++) job.sendAtMs[i] = in.readDouble();
      job.keyIndex = ints(in, count);
      job.keyNumber = ints(in, count);
      job.bytes = ints(in, count);
      return job;
    }

    private static String[] strings(DataInputStream in) throws IOException {
      String[] texts = new String[in.readInt()];
      for (int i = 0; i < texts.length; i++) texts[i] = in.readUTF();
      return texts;
    }

    private static int[] ints(DataInputStream in, int count) throws IOException {
      int[] values = new int[count];
      for (int i = 0; i < count; i++) values[i] = in.readInt();
      return values;
    }
  }

  interface Stages {
    /** Everything is open and heard, the clock starts now. */
    void begun() throws IOException;

    /** The last message was handed over. */
    void sent() throws IOException;
  }

  private final Client client;
  private final Job job;
  private final Payload payload;
  private final byte[][] keys;
  private final int count;
  private final List<Client.Consumption> consumptions = new ArrayList<>();
  private final EventLog sentLog = new EventLog();
  private final EventLog settledLog = new EventLog();
  private final List<EventLog> receivedLogs = new ArrayList<>();
  private final BitSet[] seen;
  private final BitSet[] probesHeard;
  private long originNs = System.nanoTime();
  private double windowEndMs;

  private volatile String failure;
  private volatile double progressMs;
  /** Under the lock of this object. */
  private int outstanding;
  private int acked;
  private int settled;
  private long received;
  private int sent;
  private int probesAnswered;

  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
  private Map<Long, Long> threadsBefore = Map.of();
  private long threadsBeforeNs;
  private double busiestThread;

  Load(Client client, Job job) {
    this.client = client;
    this.job = job;
    this.count = job.sendAtMs.length;
    int largest = 0;
    for (int bytes : job.bytes) largest = Math.max(largest, bytes);
    this.payload = new Payload(job.run, largest);
    this.keys = new byte[job.keys.length][];
    for (int i = 0; i < keys.length; i++) keys[i] = job.keys[i].getBytes(StandardCharsets.UTF_8);
    this.seen = new BitSet[job.subscriptions.length];
    this.probesHeard = new BitSet[job.subscriptions.length];
    for (int i = 0; i < seen.length; i++) {
      seen[i] = new BitSet(count);
      probesHeard[i] = new BitSet(PROBES);
    }
    this.windowEndMs = job.measuredMs == 0 ? Double.POSITIVE_INFINITY : job.warmupMs + job.measuredMs;
  }

  /** Returns when all that was acknowledged has come, or nothing comes any more. */
  void run(Stages stages) throws Exception {
    try {
      for (int index = 0; index < job.subscriptions.length; index++)
        for (int member = 0; member < job.consumersEach; member++) consumptions.add(consumer(index));
      try (Client.Publisher publisher = client.publisher(job.topic, job.window, this::settled)) {
        probe(publisher);
        originNs = System.nanoTime();
        stages.begun();
        if (job.isClosedWindow) sendClosedWindow(publisher);
        else sendOpenLoop(publisher);
        noteBusiestThread();
        stages.sent();
        drain();
        Thread.sleep(AFTER_LAST_MS);
      }
    } finally {
      for (Client.Consumption consumption : consumptions) consumption.close();
    }
  }

  void writeTo(DataOutputStream out) throws IOException {
    out.writeUTF(failure == null ? "" : failure);
    out.writeDouble(windowEndMs);
    out.writeDouble(busiestThread);
    sentLog.writeTo(out);
    settledLog.writeTo(out);
    out.writeInt(receivedLogs.size());
    for (int i = 0; i < receivedLogs.size(); i++) {
      out.writeInt(i / job.consumersEach);
      receivedLogs.get(i).writeTo(out);
    }
  }

  private double nowMs() {
    return (System.nanoTime() - originNs) / 1e6;
  }

  // -------------------------------------------------------------------------------------------- consumers and probes

  private Client.Consumption consumer(int subscription) throws Exception {
    EventLog log = new EventLog();
    receivedLogs.add(log);
    int credit = Math.max(1, job.credit / job.consumersEach);
    Client.Receiver receiver =
        new Client.Receiver() {
          @Override
          public void received(Client.Delivery delivery) {
            double atMs = nowMs();
            int probe = probeOf(delivery.value());
            if (probe >= 0) {
              heard(subscription, probe);
              return;
            }
            int number = payload.numberOf(delivery.value());
            log.add(number < 0 ? delivery.value().length : number, atMs, number < 0 ? STRANGE : RECEIVED);
            if (number >= 0) first(subscription, number);
            progressMs = atMs;
          }

          @Override
          public void failed(Throwable reason) {
            fail("a consumer ended: " + reason);
          }
        };
    return client.consume(job.subscriptions[subscription], new Client.Taking(credit, job.ackBatch), receiver);
  }

  private synchronized void first(int subscription, int number) {
    if (number >= count || seen[subscription].get(number)) return;
    seen[subscription].set(number);
    received++;
    notifyAll();
  }

  private synchronized void heard(int subscription, int probe) {
    probesHeard[subscription].set(probe);
    notifyAll();
  }

  private synchronized void fail(String reason) {
    if (failure == null) failure = reason;
    notifyAll();
  }

  /** Shorter than any payload, so that no measured message can be taken for one. */
  private static int probeOf(byte[] value) {
    if (value.length >= 12) return -1;
    String text = new String(value, StandardCharsets.US_ASCII);
    return text.startsWith("probe ") ? Integer.parseInt(text.substring("probe ".length())) : -1;
  }

  /** Every subscription hears every probe before the clock starts: joining a group is not part of what is measured. */
  private void probe(Client.Publisher publisher) throws Exception {
    for (int i = 0; i < PROBES; i++)
      publisher.publish(
          -1 - i,
          ("probe-" + i).getBytes(StandardCharsets.US_ASCII),
          ("probe " + i).getBytes(StandardCharsets.US_ASCII));
    long endNs = System.nanoTime() + PROBE_DEADLINE_MS * 1_000_000;
    synchronized (this) {
      while (failure == null && !allProbesHeard()) {
        long leftMs = (endNs - System.nanoTime()) / 1_000_000;
        if (leftMs <= 0) throw new Exception("not all probes were heard within " + PROBE_DEADLINE_MS + " ms");
        wait(leftMs);
      }
      if (failure != null) throw new Exception(failure);
    }
  }

  private boolean allProbesHeard() {
    if (probesAnswered < PROBES) return false;
    for (BitSet heard : probesHeard) if (heard.cardinality() < PROBES) return false;
    return true;
  }

  // -------------------------------------------------------------------------------------------- the two senders

  private void sendOpenLoop(Client.Publisher publisher) throws InterruptedException {
    double lastMs = count == 0 ? 0 : job.sendAtMs[count - 1];
    for (int next = 0; next < count && failure == null; ) {
      double nowMs = nowMs();
      if (nowMs > lastMs + SEND_GRACE_MS) fail("the broker took no more: " + (count - next) + " messages were not sent");
      noteWindowOpen(nowMs);
      double waitMs = job.sendAtMs[next] - nowMs;
      if (waitMs > 0) {
        LockSupport.parkNanos((long) (Math.min(waitMs, MAX_PARK_MS) * 1e6));
        continue;
      }
      if (!awaitRoom(1)) continue;
      hand(publisher, next, job.sendAtMs[next], nowMs());
      next++;
    }
  }

  private static final double MAX_PARK_MS = 50;
  /** Behind the end of the plan: a broker that answers nothing must not hold up the whole comparison. */
  private static final double SEND_GRACE_MS = 20_000;
  /** Where only the plan ends a window. */
  private static final double UNBOUNDED_SEND_MS = 60_000;

  private void sendClosedWindow(Client.Publisher publisher) throws InterruptedException {
    int refill = Math.max(1, job.window / 16);
    int free = 0;
    int next = 0;
    while (next < count && failure == null) {
      double nowMs = nowMs();
      noteWindowOpen(nowMs);
      if (nowMs >= windowEndMs) return;
      if (nowMs > UNBOUNDED_SEND_MS && job.measuredMs == 0) fail("the plan was not over within " + UNBOUNDED_SEND_MS + " ms");
      if (free == 0) {
        if (!awaitRoom(Math.min(refill, count - next))) continue;
        free = Math.min(refill, count - next);
      }
      nowMs = nowMs();
      hand(publisher, next, nowMs, nowMs);
      free--;
      next++;
    }
    // The plan ran out before the window did.
    windowEndMs = Math.min(windowEndMs, nowMs());
  }

  private void hand(Client.Publisher publisher, int number, double intendedMs, double atMs) {
    int keyIndex = job.keyIndex[number];
    byte[] value = payload.encode(number, keyIndex, job.keyNumber[number], intendedMs, job.bytes[number]);
    synchronized (this) {
      outstanding++;
      sent++;
    }
    sentLog.add(number, atMs, RECEIVED);
    publisher.publish(number, keyIndex < 0 ? null : keys[keyIndex], value);
  }

  /** False when it took long enough to look at the clock again. */
  private synchronized boolean awaitRoom(int wanted) throws InterruptedException {
    if (hasRoom(wanted)) return true;
    wait(ROOM_WAIT_MS);
    return hasRoom(wanted) || failure != null;
  }

  private static final long ROOM_WAIT_MS = 50;

  private boolean hasRoom(int wanted) {
    if (job.window - outstanding < wanted) return false;
    return !job.isClosedWindow || (long) acked * job.subscriptions.length - received <= job.backlogMax;
  }

  private void settled(int number, byte fate, String code) {
    double atMs = nowMs();
    if (number < 0) {
      if (fate != Client.Settled.ACKED) fail("a probe was not stored: " + code);
      synchronized (this) {
        probesAnswered++;
        notifyAll();
      }
      return;
    }
    synchronized (this) {
      settledLog.add(number, atMs, fate);
      outstanding--;
      settled++;
      if (fate == Client.Settled.ACKED) acked++;
      progressMs = atMs;
      notifyAll();
    }
  }

  private synchronized void drain() throws InterruptedException {
    double startedMs = nowMs();
    progressMs = startedMs;
    while (failure == null && !(settled == sent && received >= (long) acked * job.subscriptions.length)) {
      double nowMs = nowMs();
      if (nowMs - progressMs > DRAIN_QUIET_MS || nowMs - startedMs > DRAIN_DEADLINE_MS) return;
      wait(10);
    }
  }

  // -------------------------------------------------------------------------------------------- how busy

  /** Once, at the end of the warm-up. */
  private void noteWindowOpen(double nowMs) {
    if (threadsBeforeNs != 0 || nowMs < job.warmupMs) return;
    threadsBefore = threadTimes();
    threadsBeforeNs = System.nanoTime();
  }

  /** Of one core: a thread that has no more to give is a limit of the client, however idle the others are. */
  private void noteBusiestThread() {
    if (threadsBeforeNs == 0) return;
    long windowNs = Math.max(1, System.nanoTime() - threadsBeforeNs);
    for (Map.Entry<Long, Long> entry : threadTimes().entrySet()) {
      long usedNs = entry.getValue() - threadsBefore.getOrDefault(entry.getKey(), 0L);
      busiestThread = Math.max(busiestThread, (double) usedNs / windowNs);
    }
  }

  private Map<Long, Long> threadTimes() {
    Map<Long, Long> times = new HashMap<>();
    for (long id : threads.getAllThreadIds()) times.put(id, threads.getThreadCpuTime(id));
    return times;
  }
}
