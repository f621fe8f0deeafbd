import type { ToolCallDelta } from '../../domain/chat.js';
import { argumentText, toolCallId } from './message.js';
import type { WireToolCall } from './wire.js';

/** One tool call of a stream. Its place in the list is the index that clients see. */
export interface ToolState {
  /** The provider's index and id, by which its later fragments are recognised. */
  readonly wireIndex: number | undefined;
  readonly wireId: string;
  /** Undefined until the name has come: a call is announced with its name or not at all. */
  readonly announced: boolean;
  /** Arguments that came before the name. */
  readonly held: string;
  readonly hasArguments: boolean;
}

export interface ToolStep {
  readonly state: readonly ToolState[];
  readonly deltas: readonly ToolCallDelta[];
  /** True where the provider's own list says just the same. */
  unchanged(wire: readonly WireToolCall[] | null | undefined): boolean;
}

/**
 * Puts fragments of tool calls right: an index from 0 without gaps, id, type and name in the first fragment
 * and only there, arguments as text (OpenAI wire §2.6, §2.9). Ids for calls that have none are made from `seed`.
 */
export function stepToolCalls(tools: readonly ToolState[], wire: readonly WireToolCall[], seed: string): ToolStep {
  if (wire.length === 0) return NOTHING(tools);
  const state = [...tools];
  const deltas = wire.flatMap((fragment): readonly ToolCallDelta[] => {
    const index = indexOf(state, fragment);
    const before = state[index];
    const step = stepFragment(before, fragment, {
      index,
      id: `${seed}:${index}`,
      taken: before === undefined && isTaken(state, fragment.id),
    });
    state[index] = step.state;
    return step.delta === undefined ? [] : [step.delta];
  });
  return {
    state,
    deltas,
    unchanged: (given) => (given ?? []).length === deltas.length && deltas.every((delta, at) => delta === given?.[at]),
  };
}

const NOTHING = (state: readonly ToolState[]): ToolStep => ({
  state,
  deltas: [],
  unchanged: (wire) => wire === undefined,
});

const isTaken = (tools: readonly ToolState[], id: string | null | undefined): boolean =>
  typeof id === 'string' && tools.some(({ wireId }) => wireId === id);

/** Which call a fragment belongs to. Some servers send no index, or 0 for all: then a new id or name is a new call. */
function indexOf(tools: readonly ToolState[], fragment: WireToolCall): number {
  const { index, id, function: fn } = fragment;
  if (typeof index !== 'number') return indexWithout(tools, fragment);
  const known = tools.findLastIndex(({ wireIndex }) => wireIndex === index);
  if (known === -1) return tools.length;
  const tool = tools[known];
  const another =
    typeof id === 'string' && id !== '' && tool?.wireId !== '' && id !== tool?.wireId && Boolean(fn?.name);
  return another ? tools.length : known;
}

/** Without an index a fragment goes by its id; without that too it goes on with the last call, unless it names another. */
function indexWithout(tools: readonly ToolState[], { id, function: fn }: WireToolCall): number {
  const last = tools.length - 1;
  const named = Boolean(fn?.name) && tools[last]?.announced === true;
  const known =
    typeof id === 'string' && id !== '' ? tools.findIndex(({ wireId }) => wireId === id) : named ? -1 : last;
  return known === -1 ? tools.length : known;
}

interface Fragment {
  readonly index: number;
  readonly id: string;
  /** Another call has this id already. */
  readonly taken: boolean;
}

interface FragmentStep {
  readonly state: ToolState;
  readonly delta: ToolCallDelta | undefined;
}

function stepFragment(tool: ToolState | undefined, wire: WireToolCall, place: Fragment): FragmentStep {
  if (wire.custom != null) return stepCustom(tool, wire, place);
  const text = argumentText(wire.function?.arguments);
  const before = tool ?? { ...FRESH_TOOL, wireIndex: wire.index ?? undefined };
  const state: ToolState = {
    ...before,
    wireId: before.wireId === '' ? (wire.id ?? '') : before.wireId,
    hasArguments: before.hasArguments || text !== '',
  };
  if (state.announced) return { state, delta: laterDelta(wire, text, place.index) };
  if (!wire.function?.name) return { state: { ...state, held: before.held + text }, delta: undefined };
  const id = toolCallId(place.taken ? undefined : state.wireId, place.id);
  return {
    state: { ...state, announced: true, held: '' },
    delta: firstDelta(wire, { index: place.index, id, text: before.held + text }),
  };
}

const FRESH_TOOL: ToolState = { wireIndex: undefined, wireId: '', announced: false, held: '', hasArguments: false };

/** Arguments and nothing else; a fragment that brings none says nothing. */
function laterDelta(wire: WireToolCall, text: string, index: number): ToolCallDelta | undefined {
  const same = wire.index === index && wire.id === undefined && wire.type === undefined && onlyArguments(wire);
  if (same) return wire as ToolCallDelta;
  return text === '' ? undefined : { index, function: { arguments: text } };
}

interface Announcement {
  readonly index: number;
  readonly id: string;
  /** The arguments so far. */
  readonly text: string;
}

function firstDelta(wire: WireToolCall, { index, id, text }: Announcement): ToolCallDelta {
  const same = wire.index === index && wire.id === id && wire.type === 'function';
  if (same && wire.function?.arguments === text) return wire as ToolCallDelta;
  const { index: _i, id: _id, type: _t, function: fn, custom: _c, ...rest } = wire;
  return { index, id, type: 'function', function: { name: fn?.name ?? '', arguments: text }, ...rest };
}

/** Custom tools take text instead of arguments; only OpenAI has them, and its fragments are right. */
function stepCustom(tool: ToolState | undefined, wire: WireToolCall, { index, id, taken }: Fragment): FragmentStep {
  const state: ToolState = {
    wireIndex: wire.index ?? undefined,
    wireId: wire.id ?? tool?.wireId ?? '',
    announced: true,
    held: '',
    hasArguments: true,
  };
  if (wire.index === index && (tool !== undefined || (wire.id && !taken && wire.type === 'custom')))
    return { state, delta: wire as ToolCallDelta };
  const head = tool === undefined ? { id: toolCallId(taken ? undefined : wire.id, id), type: 'custom' as const } : {};
  return { state, delta: { ...wire, index, ...head } as ToolCallDelta };
}

function onlyArguments({ function: fn }: WireToolCall): boolean {
  return typeof fn?.arguments === 'string' && fn.name === undefined;
}
