import type { ChatRequest } from '../../../domain/chat.js';
import { ParamReport } from '../../../domain/param-change.js';
import type { Asked, TargetModel, WireRequest } from '../../protocol.js';
import type { Json } from '../../json.js';
import type { GeminiHost } from '../wire.js';
import { answerFormat } from './answer-format.js';
import { conversationOf, type Conversation } from './conversation.js';
import { accountFields, cachedContent, reportUnread, tierHeaders } from './fields.js';
import { generationOf } from './generation.js';
import { NEWEST, type Scope } from './scope.js';
import { thinkingOf } from './thinking.js';
import { ToolNames } from './tool-names.js';
import { declaredNames, toolsOf, usesLegacyFunctions, type Tools } from './tools.js';

/** A client's request as Google takes it (Gemini reference §2). */
export function geminiRequest(host: GeminiHost, request: ChatRequest, target: TargetModel): WireRequest {
  const facts = target.facts.gemini ?? NEWEST;
  const names = new ToolNames(declaredNames(request));
  const scope: Scope = { request, target, facts, host, names, report: new ParamReport() };
  const conversation = conversationOf(scope);
  const { config, tools, instruction, asked } = answerFormat(scope, toolsOf(scope));
  const thinking = thinkingOf(scope);
  const generationConfig = { ...generationOf(scope), ...config, ...(thinking && { thinkingConfig: thinking }) };
  const system = [...conversation.system, ...instruction];
  const body = {
    ...spoken({ ...conversation, system }, tools, scope),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
    ...accountFields(scope),
  };
  const headers = tierHeaders(scope);
  reportUnread(scope);
  return {
    path: pathOf(host, target.model, request.stream === true),
    headers,
    body: JSON.stringify(body),
    changes: scope.report.changes,
    asked: { ...withNames(asked, names), ...(usesLegacyFunctions(request) && { legacyFunctions: true }) },
    carriesState: conversation.carriesState,
  };
}

function withNames(asked: Asked, names: ToolNames): Asked {
  const toolNames = names.changed;
  return toolNames === undefined ? asked : { ...asked, toolNames };
}

/** The conversation and its tools; what a cached beginning holds must not be said again. */
function spoken({ system, contents }: Conversation, tools: Tools, scope: Scope): Json {
  const cached = cachedContent(scope);
  if (cached === undefined) return { ...instructions(system), contents, ...declared(tools, scope) };
  const reason = 'The cached content has its own.';
  if (system.length > 0) scope.report.drop('messages[0]', reason);
  if (tools.functions.length > 0 || tools.builtIn.length > 0) scope.report.drop('tools', reason);
  if (tools.calling !== undefined) scope.report.drop('tool_choice', reason);
  return { contents, cachedContent: cached };
}

const instructions = (system: Conversation['system']): Json =>
  system.length === 0 ? {} : { systemInstruction: { parts: system } };

function declared({ functions, builtIn, calling }: Tools, { facts, host }: Scope): Json {
  const tools = [...(functions.length > 0 ? [{ functionDeclarations: functions }] : []), ...builtIn];
  // Newer models mix their own tools with Google's, and then calls must keep to their schemas (reference §2.1).
  const mixes = functions.length > 0 && builtIn.length > 0 && facts.signedCalls && host === 'gemini';
  const mode = mixes && (calling === undefined || calling.mode === 'AUTO') ? ({ mode: 'VALIDATED' } as const) : calling;
  const toolConfig = {
    ...(mode && { functionCallingConfig: mode }),
    ...(mixes && { includeServerSideToolInvocations: true }),
  };
  return { ...(tools.length > 0 && { tools }), ...(Object.keys(toolConfig).length > 0 && { toolConfig }) };
}

/** Below the host for the Gemini API, below project and location for Vertex AI (Gemini reference §1, §7). */
function pathOf(host: GeminiHost, model: string, stream: boolean): string {
  const method = stream ? ':streamGenerateContent?alt=sse' : ':generateContent';
  const [, collection = 'models', id = ''] =
    /^(?:projects\/[^/]+\/locations\/[^/]+\/)?(?:(?:publishers\/)?google\/)?(?:(models|tunedModels|endpoints)\/)?(.*)$/s.exec(
      model,
    ) ?? [];
  const name = `${encodeURIComponent(id).replaceAll('%40', '@')}${method}`;
  if (host === 'gemini') return `/v1beta/${collection}/${name}`;
  return collection === 'endpoints' || /^\d+$/.test(id) ? `/endpoints/${name}` : `/publishers/google/models/${name}`;
}
