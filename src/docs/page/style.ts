/** Follows the reader's light or dark setting; nothing is loaded from anywhere. */
export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8d8d8, #3a3a3a); --soft: light-dark(#f5f5f3, #1f1f1f); --dim: light-dark(#666, #a0a0a0); --link: light-dark(#0b57a4, #8ab8ff); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem 1.25rem 6rem; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#fff, #141414); color: light-dark(#1a1a1a, #e6e6e6); }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); } h3 { margin-top: 2.5rem; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
pre { padding: 0.75rem 1rem; overflow-x: auto; background: var(--soft); border: 1px solid var(--line); border-radius: 6px; }
table { width: 100%; border-collapse: collapse; font-size: 0.9375em; } td, th { padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
nav ul { padding-left: 0; list-style: none; } .method { display: inline-block; min-width: 3.75rem; font-weight: 600; text-transform: uppercase; font-size: 0.8125em; }
.dim { color: var(--dim); font-size: 0.875em; } .old { text-decoration: line-through; }
`;
