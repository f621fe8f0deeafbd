// The floor to compare with: node:http and undici, no features. argv: the upstream's port.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const upstream = new Pool(`http://127.0.0.1:${process.argv[2]}`, { connections: 256 });

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    const { 'content-type': type, authorization } = request.headers;
    try {
      const answer = await upstream.request({
        method: request.method,
        path: request.url,
        headers: { 'content-type': type, authorization },
        body: parts.length === 1 ? parts[0] : Buffer.concat(parts),
      });
      response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] });
      answer.body.pipe(response);
    } catch {
      response.writeHead(502).end();
    }
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
