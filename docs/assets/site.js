// Lets long names in tables be broken after an underscore, so that wide tables fit.
for (const code of document.querySelectorAll(".md-typeset td code")) {
  for (const text of [...code.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
    const parts = text.data.split(/(?<=[_.])/).flatMap((part) => [part, document.createElement("wbr")]);
    text.replaceWith(...parts.slice(0, -1));
  }
}
