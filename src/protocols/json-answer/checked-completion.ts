import type { ChatChoice, ChatCompletion, Usage } from '../../domain/chat.js';
import type { Asked, JsonDemand } from '../protocol.js';
import { checkJson } from './check-json.js';

/**
 * The answer as the client gets it, once what was asked for as JSON was found to be that JSON. Where it was cut short,
 * filtered, refused, or is a tool call, there is nothing to check, as with OpenAI. Throws UpstreamError.
 */
export function checkedCompletion(completion: ChatCompletion, { json }: Asked): ChatCompletion {
  if (json === undefined) return completion;
  const choices = completion.choices.map((choice) => checkedChoice(choice, json, completion.usage));
  const unchanged = choices.every((choice, index) => choice === completion.choices[index]);
  return unchanged ? completion : { ...completion, choices };
}

function checkedChoice(choice: ChatChoice, demand: JsonDemand, usage: Usage | undefined): ChatChoice {
  const { message, finish_reason: reason } = choice;
  if (reason !== 'stop' || message.refusal || (message.tool_calls?.length ?? 0) > 0) return choice;
  const said = message.content ?? '';
  const content = checkJson(said, demand, usage);
  return content === said ? choice : { ...choice, message: { ...message, content } };
}
