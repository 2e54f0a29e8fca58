import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;

/** What happened, in the order in which it happened: message numbers, times and one byte each. One writer at a time. */
final class EventLog {
  private int[] numbers = new int[4_096];
  private double[] timesMs = new double[4_096];
  private byte[] marks = new byte[4_096];
  private int length;

  synchronized void add(int number, double atMs, byte mark) {
    if (length == numbers.length) {
      int room = length * 2;
      numbers = Arrays.copyOf(numbers, room);
      timesMs = Arrays.copyOf(timesMs, room);
      marks = Arrays.copyOf(marks, room);
    }
    numbers[length] = number;
    timesMs[length] = atMs;
    marks[length] = mark;
    length++;
  }

  /** count, then each column. */
  synchronized void writeTo(DataOutputStream out) throws IOException {
    out.writeInt(length);
    for (int i = 0; i < length; i++) out.writeInt(numbers[i]);
    for (int i = 0; i < length; i++) out.writeDouble(timesMs[i]);
    out.write(marks, 0, length);
  }
}
