import type { OpenApiDocument } from '../openapi.js';
import type { Operation } from '../paths/operation.js';
import type { Schema } from '../schemas/schema.js';
import { Markup, markup, NOTHING, prose } from './markup.js';
import { memberTable, optionsOf, typeOf } from './schema-table.js';
import { STYLE } from './style.js';

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const HERE = 'http://127.0.0.1:4100';

/** The description as one HTML page that loads nothing. */
export function docsPage(document: OpenApiDocument): string {
  const endpoints = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, operation })),
  );
  const groups = document.tags.map(({ name, description }) => ({
    name,
    description,
    endpoints: endpoints.filter(({ operation }) => operation.tags[0] === name),
  }));
  const { info, components } = document;
  return markup`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${info.title} API</title><style>${styles}</style></head>
<body>
<h1>${info.title}</h1>
<p class="dim">${info.version} · <a href="/openapi.json">openapi.json</a></p>
<p>${prose(info.description)}</p>
<nav><ul>${endpoints.map(contentsEntry)}</ul></nav>
${groups.map(
  (group) => markup`<h2>${group.name}</h2><p>${group.description}</p>${group.endpoints.map(endpointSection)}`,
)}
<h2>Schemas</h2>
${Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema))}
</body>
</html>
`.html;
}

/** The style is ours and holds no markup; escaping would break its quotes. */
const styles = new Markup(STYLE);

function contentsEntry({ method, path, operation }: Endpoint): Markup {
  return markup`<li><a href="#${operation.operationId}"><span class="method">${method}</span> <code>${path}</code></a> <span class="dim">${operation.summary}</span></li>`;
}

function endpointSection(endpoint: Endpoint): Markup {
  const { method, path, operation } = endpoint;
  const { operationId, summary, description, requestBody } = operation;
  return markup`
<section id="${operationId}">
<h3>${summary}</h3>
<p><span class="method">${method}</span> <code>${path}</code></p>
${description === undefined ? NOTHING : markup`<p>${prose(description)}</p>`}
<pre>${curl(endpoint)}</pre>
${parameterTable(operation)}
${requestBody === undefined ? NOTHING : markup`<p>Body: ${bodyTypes(requestBody.content)}</p>`}
${responseTable(operation)}
</section>`;
}

function parameterTable({ parameters = [] }: Operation): Markup {
  if (parameters.length === 0) return NOTHING;
  const rows = parameters.map(
    (parameter) =>
      markup`<tr><td><code>${parameter.name}</code></td><td class="dim">${parameter.in}</td><td>${prose(parameter.description)}</td></tr>`,
  );
  return markup`<table><tr><th>Parameter</th><th>In</th><th></th></tr>${rows}</table>`;
}

function responseTable({ responses }: Operation): Markup {
  const rows = Object.entries(responses).map(([status, { description, content, headers = {} }]) => {
    const names = Object.keys(headers);
    const said = names.length === 0 ? NOTHING : markup`<br><span class="dim">${names.join(', ')}</span>`;
    return markup`<tr><td>${status}</td><td class="dim">${bodyTypes(content ?? {})}</td><td>${prose(description)}${said}</td></tr>`;
  });
  return markup`<table><tr><th>Status</th><th>Body</th><th></th></tr>${rows}</table>`;
}

function bodyTypes(content: NonNullable<Operation['requestBody']>['content']): readonly Markup[] {
  return Object.entries(content).map(([type, { schema }]) => markup`${typeOf(schema)} <code>${type}</code> `);
}

function schemaSection(name: string, schema: Schema): Markup {
  const options = optionsOf(schema);
  const joined = 'allOf' in schema ? 'All of' : 'One of';
  return markup`
<section id="schema-${name}">
<h3>${name}</h3>
${schema.description === undefined ? NOTHING : markup`<p>${prose(String(schema.description))}</p>`}
${memberTable(schema)}
${options.length === 0 ? NOTHING : markup`<p>${joined}:</p>`}
${options.map((option) => (option.$ref === undefined ? optionSection(option) : markup`<p>${typeOf(option)}</p>`))}
</section>`;
}

function optionSection(option: Schema): Markup {
  return option.properties === undefined ? markup`<p>${typeOf(option)}</p>` : memberTable(option);
}

/** A command that can be pasted; keys come from the environment. */
function curl({ method, path, operation }: Endpoint): string {
  const lines = [
    `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${HERE}${path.replace(/\{(\w+)\}/g, '$$$1')}`,
  ];
  const [credential] = operation.security;
  const key = credential && 'adminKey' in credential ? '$PARLEY_ADMIN_KEY' : '$PARLEY_API_KEY';
  if (credential !== undefined) lines.push(`-H "Authorization: Bearer ${key}"`);
  const example = operation.requestBody?.content['application/json']?.example;
  if (example !== undefined) {
    lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(example)}'`);
  }
  return lines.join(' \\\n  ');
}
