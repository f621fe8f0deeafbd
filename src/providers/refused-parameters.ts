import type { ChatRequest } from '../domain/chat.js';
import { InvalidRequestError } from '../domain/errors.js';
import { NO_TURN_STATES } from '../domain/turn-state.js';
import type { ChatProtocol, TargetModel } from '../protocols/protocol.js';

const MESSAGES = [{ role: 'user' as const, content: 'x' }];
const TOOLS = [{ type: 'function', function: { name: 'x', parameters: { type: 'object', properties: {} } } }];

/** A request for each parameter that models may take or not, in which it means something. */
const PROBES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  temperature: { temperature: 0.5 },
  top_p: { top_p: 0.5 },
  stop: { stop: ['x'] },
  seed: { seed: 1 },
  n: { n: 2 },
  user: { user: 'x' },
  metadata: { metadata: { x: 'x' } },
  presence_penalty: { presence_penalty: 0.5 },
  frequency_penalty: { frequency_penalty: 0.5 },
  logit_bias: { logit_bias: { 1: 1 } },
  logprobs: { logprobs: true },
  top_logprobs: { logprobs: true, top_logprobs: 1 },
  tools: { tools: TOOLS },
  tool_choice: { tools: TOOLS, tool_choice: 'required' },
  parallel_tool_calls: { tools: TOOLS, parallel_tool_calls: false },
  response_format: { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } } },
  reasoning_effort: { reasoning_effort: 'high' },
};

/** Which of OpenAI's parameters this dialect would refuse or drop for the model: it is asked, so no list can disagree with it. */
export function refusedParameters(
  protocol: ChatProtocol,
  target: Pick<TargetModel, 'model' | 'baseModel' | 'facts'>,
): readonly string[] {
  const asked: TargetModel = { ...target, turns: NO_TURN_STATES, withoutState: false };
  return Object.keys(PROBES).filter((parameter) => {
    const request: ChatRequest = { model: target.model, messages: MESSAGES, ...PROBES[parameter] };
    try {
      const { changes } = protocol.request(request, asked);
      return changes.some(({ path, treatment }) => path === parameter && treatment === 'dropped');
    } catch (error) {
      if (error instanceof InvalidRequestError) return true;
      throw error;
    }
  });
}
