"use strict";

// Signs in with the card and posts the signed challenge.

(() => {
  const form = document.getElementById("fm1");
  const pin = document.getElementById("password");
  const button = document.getElementById("loginbutton");
  const message = document.getElementById("msg");

  function show(words) {
    message.textContent = words;
    message.hidden = false;
    button.disabled = false;
  }

  async function signIn() {
    try {
      const signed = await signWithCard(form.dataset.control, form.elements.random.value, pin.value);
      form.elements.icCard.value = signed.card;
      form.elements.certNo.value = signed.certificate;
      form.elements.signData.value = signed.signature;
    } finally {
      pin.value = "";
    }
    form.submit();
  }

  button.addEventListener("click", () => {
    if (!pin.value) return show("请输入卡密码");
    button.disabled = true;
    message.hidden = true;
    signIn().catch((error) => show(explainCard(error)));
  });
  pin.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    button.click();
  });
})();
