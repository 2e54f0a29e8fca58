/** What a chapter is: one claim about a port, with the branch for a backend that claims it and the one for a backend that does not. */

import type { Capability } from '../adapters/capabilities.ts';
import { equal, rejects, Untested } from './expect.ts';
import type { World } from './world.ts';

/** `contract`: what every port must keep, whatever it claims. */
export type ChapterSubject = Capability | 'contract';

export interface Chapter {
  readonly capability: ChapterSubject;
  /** Reads as a claim; unique in the suite. */
  readonly name: string;
  /** Runs alone, after all others: it ends the port. */
  readonly isLast: boolean;
  /** Resolves when the claim holds. @throws ConformanceFailure when not, Untested when this branch has no test. */
  run(world: World): Promise<void>;
}

type Branch = (world: World) => Promise<void>;

/** A claim of the port's contract. */
export function contract(name: string, run: Branch, options: { readonly isLast?: boolean } = {}): Chapter {
  return { capability: 'contract', name, isLast: options.isLast ?? false, run };
}

/** A claim about a capability: `claimed` must hold where it is native or emulated, `unsupported` where it is refused. */
export function chapter(
  capability: Capability,
  name: string,
  branches: { readonly claimed?: Branch; readonly unsupported?: Branch },
): Chapter {
  return {
    capability,
    name,
    isLast: false,
    run: async (world) => {
      if (!world.claims(capability)) await (branches.unsupported ?? refusedRequirement(capability))(world);
      else if (branches.claimed === undefined) throw new Untested('there is no test of the property yet');
      else await branches.claimed(world);
    },
  };
}

/** What can always be asked for by name, whatever else there is to use: a subscription that requires it. */
function refusedRequirement(capability: Capability): Branch {
  return async (world) => {
    const options = {
      name: world.name('sub'),
      topic: await world.topic(),
      onExhausted: 'drop',
      requires: [capability],
    } as const;
    const create = async (): Promise<unknown> => await world.port.createSubscription(options);
    const error = await rejects('capability_unsupported', `a subscription that requires ${capability}`, create);
    equal(error.capability, capability, 'the capability that the error names');
  };
}
