import type { ChatRequest } from '../../../domain/chat.js';
import type { Json } from '../../json.js';
import type { TargetModel, WireRequest } from '../../protocol.js';
import type { Host, TextBlock } from '../wire.js';
import { automaticCache, fewBreakpoints } from './cache.js';
import { conversationOf, type Conversation } from './conversation.js';
import { dropUnknown, maxTokensOf, metadataOf, refuseMeaningful, samplingOf, stopsOf, tierOf } from './fields.js';
import { formatUseOf, type FormatUse } from './response-format.js';
import { thinkingUseOf, type ThinkingUse } from '../../claude/thinking.js';
import { boundThinking } from './bound-thinking.js';
import { isForced, toolUseOf, wireChoice } from './tools.js';
import { Translation } from './translation.js';

/** A chat request as a request to the Messages API (Anthropic reference §2). The same request gives the same bytes. */
export function messagesRequest(host: Host, request: ChatRequest, target: TargetModel): WireRequest {
  const translation = new Translation(request, target, host);
  refuseMeaningful(translation);
  const conversation = conversationOf(translation);
  const maxTokens = maxTokensOf(translation);
  const toolUse = toolUseOf(translation, conversation.calledTools);
  const { prefilled, lacksThinking, replaysThinking } = conversation;
  const wished = thinkingUseOf(translation, {
    maxTokens,
    forced: isForced(toolUse.choice),
    prefilled,
    lacksThinking: lacksThinking && !replaysThinking,
  });
  const noForcing = wished.thinking?.type === 'enabled';
  const format = formatUseOf(translation, { toolUse, noForcing, prefilled });
  const thinking = boundThinking(wished, translation, replaysThinking);
  // Connections on which nothing moves for minutes are cut on the way (Anthropic reference §1).
  const streams = request.stream === true || maxTokens > LONGEST_WHOLE;
  const body = {
    ...addressed(host, target),
    max_tokens: maxTokens,
    ...prompt(translation, conversation, format),
    ...thinkingFields(thinking, format),
    ...samplingOf(translation, thinking),
    ...stopsOf(translation),
    ...metadataOf(translation),
    ...tierOf(translation),
    ...(streams && { stream: true }),
  };
  dropUnknown(translation);
  return {
    path: PATHS[host](streams),
    headers: translation.headers,
    body: JSON.stringify(body),
    changes: translation.changes,
    asked: { ...format.asked, ...(toolUse.legacy && { legacyFunctions: true }) },
    carriesState: replaysThinking,
  };
}

/** Tokens that take ten minutes at most: the vendor's own SDK lets no longer answer come in one piece. */
const LONGEST_WHOLE = 21_333;

const PATHS: Readonly<Record<Host, (stream: boolean) => string>> = {
  anthropic: () => '/v1/messages',
  vertex: (stream) => (stream ? ':streamRawPredict' : ':rawPredict'),
};

/** Vertex AI names the model in the path and the version in the body. */
const addressed = (host: Host, { model }: TargetModel): Json =>
  host === 'vertex' ? { anthropic_version: 'vertex-2023-10-16' } : { model };

function prompt(translation: Translation, conversation: Conversation, { toolUse, words }: FormatUse): Json {
  const automatic = automaticCache(translation);
  const system: readonly TextBlock[] = [...conversation.system, ...words];
  const few = fewBreakpoints(
    { tools: toolUse.tools, system, turns: conversation.turns },
    automatic === undefined,
    translation,
  );
  const choice = wireChoice(toolUse);
  return {
    ...(few.system.length > 0 && { system: few.system }),
    messages: few.turns,
    ...(few.tools.length > 0 && { tools: few.tools }),
    ...(choice && { tool_choice: choice }),
    ...(automatic && { cache_control: automatic }),
  };
}

function thinkingFields({ thinking, effort }: ThinkingUse, { format }: FormatUse): Json {
  const config = { ...(effort !== undefined && { effort }), ...(format && { format }) };
  return { ...(thinking && { thinking }), ...(Object.keys(config).length > 0 && { output_config: config }) };
}
