"""The world's doors: SMS, WhatsApp, Telegram and web chat. Knows no booking words."""
