/**
 * Who reads which partition: even, and with as few moves as possible, so that a member that joins or leaves takes little
 * away from the others. Pure; the leader of the group runs it.
 */

export interface MemberClaim {
  readonly memberId: string;
  /** What it reads now, and since which generation of the group. */
  readonly owned: readonly number[];
  readonly generation: number;
}

/** Every partition to exactly one member; the members' counts differ by at most one. */
export function assignPartitions(
  members: readonly MemberClaim[],
  partitions: number,
): ReadonlyMap<string, readonly number[]> {
  const byId = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map<string, number[]>(byId.map(({ memberId }) => [memberId, []]));
  if (byId.length === 0) return assigned;
  const least = Math.floor(partitions / byId.length);
  let withOneMore = partitions % byId.length;
  const owner = ownersByNewestClaim(byId, partitions);
  const free: number[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const kept = assigned.get(owner.get(partition) ?? '');
    if (kept !== undefined && kept.length < least) kept.push(partition);
    else if (kept !== undefined && kept.length === least && withOneMore > 0) {
      kept.push(partition);
      withOneMore -= 1;
    } else free.push(partition);
  }
  for (const own of assigned.values()) {
    while (own.length < least && free.length > 0) own.push(free.shift() as number);
  }
  for (const own of assigned.values()) {
    if (own.length === least && free.length > 0) own.push(free.shift() as number);
  }
  for (const own of assigned.values()) own.sort((a, b) => a - b);
  return assigned;
}

/** A member that was away still claims what others got meanwhile: the newest generation is right. */
function ownersByNewestClaim(members: readonly MemberClaim[], partitions: number): Map<number, string> {
  const owner = new Map<number, string>();
  for (const { memberId, owned } of [...members].sort((a, b) => a.generation - b.generation)) {
    for (const partition of owned) if (partition >= 0 && partition < partitions) owner.set(partition, memberId);
  }
  return owner;
}

/** What a member tells when it joins: generation, then its partitions, each as a 32-bit integer. */
export function encodeClaim(generation: number, owned: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + owned.length * 4);
  bytes.writeInt32BE(generation, 0);
  owned.forEach((partition, index) => bytes.writeInt32BE(partition, 4 + index * 4));
  return bytes;
}

/** Anything that is not a claim claims nothing. */
export function decodeClaim(memberId: string, bytes: Buffer): MemberClaim {
  if (bytes.length < 4 || bytes.length % 4 !== 0) return { memberId, owned: [], generation: -1 };
  const owned: number[] = [];
  for (let at = 4; at < bytes.length; at += 4) owned.push(bytes.readInt32BE(at));
  return { memberId, owned, generation: bytes.readInt32BE(0) };
}
