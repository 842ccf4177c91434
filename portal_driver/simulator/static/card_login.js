"use strict";

// Signs in with the card: reads it through the control on this computer, has it sign the
// challenge, and posts the result. The PIN goes to the control only, once per press.

(() => {
  const form = document.getElementById("fm1");
  const pin = document.getElementById("password");
  const button = document.getElementById("loginbutton");
  const message = document.getElementById("msg");

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

  function show(words) {
    message.textContent = words;
    message.hidden = false;
    button.disabled = false;
  }

  async function signIn() {
    const control = await Control.open(form.dataset.control);
    try {
      await control.ask("cus-sec_SpcInitEnvEx");
      const [card] = await control.ask("cus-sec_SpcGetCardID");
      const [signature, certificate] = await control.ask("cus-sec_SpcSignDataAsPEM", {
        inData: form.elements.random.value,
        passwd: pin.value,
      });
      await control.ask("cus-sec_SpcClearEnv");
      form.elements.icCard.value = card;
      form.elements.certNo.value = certificate;
      form.elements.signData.value = signature;
      form.submit();
    } finally {
      pin.value = "";
      control.socket.close();
    }
  }

  button.addEventListener("click", () => {
    if (!pin.value) return show("请输入卡密码");
    button.disabled = true;
    message.hidden = true;
    signIn().catch((error) => show(explain([].concat(error))));
  });
  pin.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    button.click();
  });
})();
