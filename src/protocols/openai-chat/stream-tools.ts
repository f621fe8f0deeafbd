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
function indexOf(tools: readonly ToolState[], { index, id, function: fn }: WireToolCall): number {
  const last = tools.length - 1;
  if (typeof index !== 'number') {
    const known = typeof id === 'string' && id !== '' ? tools.findIndex(({ wireId }) => wireId === id) : last;
    return known === -1 ? tools.length : known;
  }
  const known = tools.findLastIndex(({ wireIndex }) => wireIndex === index);
  if (known === -1) return tools.length;
  const tool = tools[known];
  const another =
    typeof id === 'string' && id !== '' && tool?.wireId !== '' && id !== tool?.wireId && Boolean(fn?.name);
  return another ? tools.length : known;
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

function stepFragment(tool: ToolState | undefined, wire: WireToolCall, { index, id, taken }: Fragment): FragmentStep {
  if (wire.custom != null) return stepCustom(tool, wire, { index, id, taken });
  const text = argumentText(wire.function?.arguments);
  const before: ToolState = tool ?? {
    wireIndex: wire.index ?? undefined,
    wireId: wire.id ?? '',
    announced: false,
    held: '',
    hasArguments: false,
  };
  const state: ToolState = {
    ...before,
    wireId: before.wireId || (wire.id ?? ''),
    hasArguments: before.hasArguments || text !== '',
  };
  if (before.announced) {
    const same = wire.index === index && wire.id === undefined && wire.type === undefined && onlyArguments(wire);
    if (same) return { state, delta: wire as ToolCallDelta };
    return { state, delta: text === '' ? undefined : { index, function: { arguments: text } } };
  }
  const name = wire.function?.name;
  if (typeof name !== 'string' || name === '')
    return { state: { ...state, held: before.held + text }, delta: undefined };
  const callId = toolCallId(taken ? undefined : state.wireId, id);
  const announced = { ...state, announced: true, held: '' };
  const whole = before.held + text;
  const same =
    wire.index === index && wire.id === callId && wire.type === 'function' && wire.function?.arguments === whole;
  if (same) return { state: announced, delta: wire as ToolCallDelta };
  const { index: _i, id: _id, type: _t, function: _f, custom: _c, ...rest } = wire;
  return {
    state: announced,
    delta: { index, id: callId, type: 'function', function: { name, arguments: whole }, ...rest },
  };
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
