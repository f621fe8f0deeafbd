import { anyObject, choice, either, flag, listOf, object, only, ref, request, text, type Schemas } from './schema.js';

const TOOL_NAME = { ...text('Letters, digits, `_` and `-`; at most 64.'), maxLength: 64 };

/** Tools, the choice among them, and the calls that models make. */
export const chatToolSchemas: Schemas = {
  Tool: either(['FunctionTool', 'CustomTool', 'OtherTool'].map(ref), 'Something the model may call.'),
  FunctionTool: object({
    type: only('function'),
    function: request(
      { name: TOOL_NAME },
      {
        description: text('What it does and when to call it.'),
        parameters: anyObject('A JSON Schema of the arguments. Left out: there are none.'),
        strict: flag('The arguments follow the schema exactly.'),
      },
    ),
  }),
  CustomTool: object({
    type: only('custom'),
    custom: request(
      { name: TOOL_NAME },
      {
        description: text(),
        format: either([
          object({ type: only('text') }),
          object({
            type: only('grammar'),
            grammar: object({ definition: text(), syntax: choice(['lark', 'regex']) }),
          }),
        ]),
      },
    ),
  }),
  OtherTool: {
    ...object({ type: { type: 'string', not: { enum: ['function', 'custom'] } } }),
    description: 'A tool that a provider runs itself. Forwarded as it is.',
  },
  ToolChoice: either(
    [
      choice(['none', 'auto', 'required']),
      object({ type: only('function'), function: object({ name: text() }) }),
      object({ type: only('custom'), custom: object({ name: text() }) }),
      object({
        type: only('allowed_tools'),
        allowed_tools: object({ mode: choice(['auto', 'required']), tools: listOf(anyObject()) }),
      }),
    ],
    'Whether and what the model calls. `auto` where there are tools, else `none`.',
  ),
  ToolCall: either(
    [
      object({
        id: text(),
        type: only('function'),
        function: object({ name: text(), arguments: text('JSON, as text.') }),
      }),
      object({ id: text(), type: only('custom'), custom: object({ name: text(), input: text('Free text.') }) }),
    ],
    'A call that the model makes.',
  ),
  ResponseFormat: either(
    [
      object({ type: only('text') }),
      object({ type: only('json_object') }, {}, 'Any JSON object; a message has to ask for JSON.'),
      object({
        type: only('json_schema'),
        json_schema: request(
          { name: { ...text(), maxLength: 64 } },
          {
            description: text(),
            schema: anyObject('The JSON Schema that the answer follows.'),
            strict: flag('Follow it exactly.'),
          },
        ),
      }),
    ],
    'The form of the answer.',
  ),
};
