"use strict";

// The card, for any skin's sign-in page: `signWithCard` reads it through the control on this computer
// and has it sign the challenge. The PIN goes to the control only, once per call.

(() => {
  const UNREACHABLE = ["连接客户端控件服务失败,请重试.", "Err:Base60408"];

  class Control {
    constructor(socket) {
      this.socket = socket;
      this.waiting = new Map(); // method → what to do with its answer
      this.number = 0;
      socket.onmessage = (event) => this.hear(JSON.parse(event.data));
      socket.onclose = () => this.loseAll();
    }

    static open(address) {
      return new Promise((resolve, reject) => {
        const socket = new WebSocket(address);
        socket.onopen = () => resolve(new Control(socket));
        socket.onerror = () => reject(UNREACHABLE);
      });
    }

    ask(method, args) {
      return new Promise((resolve, reject) => {
        this.waiting.set(method, { resolve, reject });
        this.socket.send(JSON.stringify({ _method: method, _id: ++this.number, args: args || {} }));
      });
    }

    hear(answer) {
      const caller = this.waiting.get(answer._method);
      if (!caller) return; // the greeting
      this.waiting.delete(answer._method);
      if (answer._args.Result) caller.resolve(answer._args.Data);
      else caller.reject(answer._args.Error);
    }

    loseAll() {
      for (const caller of this.waiting.values()) caller.reject(UNREACHABLE);
    }
  }

  function explain(error) {
    const text = error.join(" ");
    const left = /剩余次数：(\d+)/.exec(text);
    if (left) return `卡密码错误，您还可以输入 ${left[1]} 次。${text}`;
    if (text.includes("50022")) return `卡密码已锁定，请持法人卡到电子口岸制卡中心解锁。${text}`;
    if (text.includes("50070")) return `未检测到卡，请插入法人卡。${text}`;
    return text;
  }

  // {card, certificate, signature}; rejects with the control's errors, which `explainCard` puts into words.
  window.signWithCard = async (address, random, pin) => {
    const control = await Control.open(address);
    try {
      await control.ask("cus-sec_SpcInitEnvEx");
      const [signature, certificate] = await control.ask("cus-sec_SpcSignDataAsPEM", { inData: random, passwd: pin });
      const [card] = await control.ask("cus-sec_SpcGetCardID"); // after the PIN: some tell nothing before it
      await control.ask("cus-sec_SpcClearEnv");
      return { card, certificate, signature };
    } finally {
      control.socket.close();
    }
  };
  window.explainCard = (error) => explain([].concat(error));
})();
