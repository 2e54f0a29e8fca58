import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A client's process: does what its parent says on standard input, answers on standard output, ends with its parent.
 *
 * <pre>
 * frame    length (int) | kind (byte) | fields
 * parent   OPEN id class options     CREATE_TOPIC id name partitions   SUBSCRIBE id name topic fromStart maxAttempts   ...
 * child    ANSWER id fields          REFUSED id code message           SETTLED publisher batch index fate code         DELIVERY consumer ...
 * </pre>
 *
 * Numbers are big endian, texts as of DataOutputStream.writeUTF, byte strings an int and the bytes (-1: none).
 */
public final class Main {
  private static final byte OPEN = 1;
  private static final byte CREATE_TOPIC = 2;
  private static final byte DELETE_TOPIC = 3;
  private static final byte CREATE_SUBSCRIPTION = 4;
  private static final byte DELETE_SUBSCRIPTION = 5;
  private static final byte PUBLISHER = 6;
  private static final byte CLOSE_PUBLISHER = 7;
  private static final byte PUBLISH = 8;
  private static final byte CONSUME = 9;
  private static final byte CLOSE_CONSUMER = 10;
  private static final byte SETTLE = 11;
  private static final byte LOAD = 12;
  private static final byte CLOSE = 13;

  private static final byte ANSWER = 1;
  private static final byte REFUSED = 2;
  private static final byte SETTLED = 3;
  private static final byte DELIVERY = 4;
  private static final byte CONSUMER_FAILED = 5;
  private static final byte LOAD_BEGUN = 6;
  private static final byte LOAD_SENT = 7;

  /** A publisher of scenarios: as many as one of them hands over at once. */
  private static final int SCENARIO_WINDOW = 20_000;

  private final DataOutputStream out;
  private final Map<Integer, Client.Publisher> publishers = new ConcurrentHashMap<>();
  private final Map<Integer, Client.Consumption> consumers = new ConcurrentHashMap<>();
  /** What blocks goes here, one after the other, so that acks are never behind it. */
  private final ExecutorService calls = Executors.newSingleThreadExecutor();
  /** Consumers open side by side: a group may wait for another member of it. */
  private final ExecutorService openings = Executors.newCachedThreadPool();
  private Client client;
  private int lastHandle;

  private Main(DataOutputStream out) {
    this.out = out;
  }

  public static void main(String[] arguments) throws Exception {
    DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
    // A library that prints must not get into the frames.
    System.setOut(new PrintStream(System.err, true));
    Main main = new Main(out);
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
    try {
      while (true) {
        byte[] frame = new byte[in.readInt()];
        in.readFully(frame);
        main.take(frame);
      }
    } catch (EOFException parentIsGone) {
      System.exit(0);
    }
  }

  private void take(byte[] frame) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(frame));
    byte kind = in.readByte();
    switch (kind) {
      case PUBLISH -> publish(in);
      case SETTLE -> settle(in);
      default -> {
        int id = in.readInt();
        ExecutorService where = kind == CONSUME || kind == CLOSE_CONSUMER ? openings : calls;
        where.execute(() -> answer(kind, id, in));
      }
    }
  }

  private interface Fields {
    void writeTo(DataOutputStream out) throws IOException;
  }

  private void tell(byte kind, Fields fields) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream frame = new DataOutputStream(bytes);
      frame.writeByte(kind);
      fields.writeTo(frame);
      synchronized (out) {
        out.writeInt(bytes.size());
        bytes.writeTo(out);
        out.flush();
      }
    } catch (IOException parentIsGone) {
      System.exit(0);
    }
  }

  private void answer(byte kind, int id, DataInputStream in) {
    try {
      Fields fields = call(kind, id, in);
      tell(
          ANSWER,
          frame -> {
            frame.writeInt(id);
            fields.writeTo(frame);
          });
    } catch (Throwable reason) {
      Throwable cause = reason instanceof java.util.concurrent.ExecutionException ? reason.getCause() : reason;
      boolean isRefusal = cause instanceof Client.Refusal;
      tell(
          REFUSED,
          frame -> {
            frame.writeInt(id);
            frame.writeBoolean(isRefusal);
            frame.writeUTF(isRefusal ? cause.getMessage() : cause.toString());
          });
    }
  }

  private static final Fields NOTHING = frame -> {};

  private Fields call(byte kind, int id, DataInputStream in) throws Exception {
    switch (kind) {
      case OPEN -> {
        return open(in);
      }
      case CREATE_TOPIC -> client.createTopic(in.readUTF(), in.readInt());
      case DELETE_TOPIC -> client.deleteTopic(in.readUTF());
      case CREATE_SUBSCRIPTION ->
          client.createSubscription(
              new Client.Subscription(in.readUTF(), in.readUTF(), in.readBoolean(), in.readInt()));
      case DELETE_SUBSCRIPTION -> client.deleteSubscription(in.readUTF());
      case PUBLISHER -> {
        return publisher(in);
      }
      case CLOSE_PUBLISHER -> {
        Client.Publisher publisher = publishers.remove(in.readInt());
        if (publisher != null) publisher.close();
      }
      case CONSUME -> {
        return consume(in);
      }
      case CLOSE_CONSUMER -> {
        Client.Consumption consumer = consumers.remove(in.readInt());
        if (consumer != null) consumer.close();
      }
      case LOAD -> {
        return load(id, in);
      }
      case CLOSE -> client.close();
      default -> throw new IOException("there is no call " + kind);
    }
    return NOTHING;
  }

  private Fields open(DataInputStream in) throws Exception {
    String name = in.readUTF();
    Map<String, String> options = new HashMap<>();
    for (int left = in.readInt(); left > 0; left--) options.put(in.readUTF(), in.readUTF());
    client = clientOf(name, options);
    Map<String, String> settings = new LinkedHashMap<>(client.settings());
    return frame -> {
      frame.writeInt(settings.size());
      for (Map.Entry<String, String> entry : settings.entrySet()) {
        frame.writeUTF(entry.getKey());
        frame.writeUTF(entry.getValue());
      }
    };
  }

  /** A name that is not one of ours is a class of the tests. */
  private static Client clientOf(String name, Map<String, String> options) throws Exception {
    return switch (name) {
      case "KafkaGroups" -> new KafkaGroups(options);
      case "KafkaShare" -> new KafkaShare(options);
      case "RabbitQueues" -> new RabbitQueues(options);
      case "RabbitStreams" -> new RabbitStreams(options);
      default -> (Client) Class.forName(name).getDeclaredConstructor(Map.class).newInstance(options);
    };
  }

  // -------------------------------------------------------------------------------------------- scenarios: message by message

  private Fields publisher(DataInputStream in) throws Exception {
    String topic = in.readUTF();
    int handle = nextHandle();
    Client.Publisher publisher =
        client.publisher(
            topic,
            SCENARIO_WINDOW,
            (number, fate, code) ->
                tell(
                    SETTLED,
                    frame -> {
                      frame.writeInt(handle);
                      frame.writeInt(number);
                      frame.writeByte(fate);
                      frame.writeUTF(code == null ? "" : code);
                    }));
    publishers.put(handle, publisher);
    return frame -> frame.writeInt(handle);
  }

  /** Frames come in order from one thread, so each publisher has one. */
  private void publish(DataInputStream in) throws IOException {
    Client.Publisher publisher = publishers.get(in.readInt());
    int first = in.readInt();
    int count = in.readInt();
    for (int i = 0; i < count; i++) {
      byte[] key = bytes(in);
      byte[] value = bytes(in);
      if (publisher != null) publisher.publish(first + i, key, value);
    }
  }

  private Fields consume(DataInputStream in) throws Exception {
    String subscription = in.readUTF();
    int credit = in.readInt();
    int ackBatch = in.readInt();
    int handle = nextHandle();
    Client.Consumption consumer =
        client.consume(subscription, new Client.Taking(credit, ackBatch), receiver(handle));
    consumers.put(handle, consumer);
    return frame -> frame.writeInt(handle);
  }

  private Client.Receiver receiver(int handle) {
    return new Client.Receiver() {
      @Override
      public void received(Client.Delivery delivery) {
        tell(
            DELIVERY,
            frame -> {
              frame.writeInt(handle);
              frame.writeLong(delivery.token());
              frame.writeInt(delivery.partition());
              frame.writeLong(delivery.offset());
              frame.writeInt(delivery.attempt());
              frame.writeByte(delivery.redelivered() == null ? -1 : delivery.redelivered() ? 1 : 0);
              write(frame, delivery.key());
              write(frame, delivery.value());
            });
      }

      @Override
      public void failed(Throwable reason) {
        tell(
            CONSUMER_FAILED,
            frame -> {
              frame.writeInt(handle);
              frame.writeUTF(reason.toString());
            });
      }
    };
  }

  private void settle(DataInputStream in) throws IOException {
    Client.Consumption consumer = consumers.get(in.readInt());
    long token = in.readLong();
    Client.Settlement settlement = Client.Settlement.values()[in.readByte()];
    try {
      if (consumer != null) consumer.settle(token, settlement);
    } catch (Exception gone) {
      // A consumer that ended: what was not settled is somebody else's.
    }
  }

  // -------------------------------------------------------------------------------------------- workloads: a whole load at once

  private Fields load(int id, DataInputStream in) throws Exception {
    boolean isAgainstNothing = in.readBoolean();
    Load.Job job = Load.Job.read(in);
    Client target = isAgainstNothing ? new NullClient() : client;
    if (isAgainstNothing)
      for (String subscription : job.subscriptions)
        target.createSubscription(new Client.Subscription(subscription, job.topic, true, 0));
    Load load = new Load(target, job);
    load.run(
        new Load.Stages() {
          @Override
          public void begun() {
            tell(LOAD_BEGUN, frame -> frame.writeInt(id));
          }

          @Override
          public void sent() {
            tell(LOAD_SENT, frame -> frame.writeInt(id));
          }
        });
    return load::writeTo;
  }

  // -------------------------------------------------------------------------------------------- fields

  private synchronized int nextHandle() {
    return ++lastHandle;
  }

  private static byte[] bytes(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0) return null;
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    return bytes;
  }

  private static void write(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes == null ? -1 : bytes.length);
    if (bytes != null) out.write(bytes);
  }
}
