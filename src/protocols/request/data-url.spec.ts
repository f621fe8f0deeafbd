import { dataUrl, seenType } from './data-url.js';

it.each([
  ['data:image/png;base64,AAAA', { type: 'image/png', data: 'AAAA' }],
  ['DATA:Text/Plain; charset=utf-8 ;BASE64,YQ==', { type: 'text/plain', data: 'YQ==' }],
  ['data:text/plain,a%20b', { type: 'text/plain', data: 'YSBi' }],
  ['data:text/plain,100% a', { type: 'text/plain', data: 'MTAwJSBh' }],
  ['data:,a,b', { type: '', data: 'YSxi' }],
  ['data:nonsense', undefined],
  [`data:${'x'.repeat(600)},a`, undefined],
  ['https://x/data:,a', undefined],
  ['', undefined],
])('dataUrl(%j)', (url, expected) => expect(dataUrl(url)).toEqual(expected));

it('tells images and PDFs by how they begin', () => {
  const begins = ['iVBORw0KGgoAAAA', '/9j/4AAQ', 'R0lGODlh', 'UklGRiQA', 'JVBERi0x', 'AAAA', ''];
  const types = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'application/pdf', undefined, undefined];
  expect(begins.map(seenType)).toEqual(types);
});
