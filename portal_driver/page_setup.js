/* Runs in every document before its own scripts.
 *
 * Custom elements may close their shadow trees to scripts, though not to eyes: here they stay readable.
 * A request that outlives its page (keepalive) is let go by the browser itself when the page goes, while the
 * gate is sending it: it would be sent twice. Here such requests live as long as their page.
 */
(() => {
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function attachShadow(init) {
    return attach.call(this, { ...init, mode: "open" });
  };

  const send = window.fetch;
  window.fetch = function fetch(resource, options) {
    return send.call(this, resource, { ...options, keepalive: false });
  };
})();
